// Which object a resource was made from, as Istio notes it in `metadata.filter_metadata.istio.config`.
import { textOf } from "../json-value.ts";
import { pickAt } from "./config-dump.ts";

/** `/apis/networking.istio.io/v1/namespaces/shop/virtual-service/reviews` → `reviews.shop`; empty where nothing is noted. */
export function managedBy(resource: unknown): string {
  const path = textOf(pickAt(resource, "metadata", "filter_metadata", "istio", "config"));
  if (path === "") return "";
  const parts = path.split("/");
  return path.startsWith("/apis/") && parts.length === 8 ? `${parts[7]}.${parts[5]}` : "<unknown>";
}
