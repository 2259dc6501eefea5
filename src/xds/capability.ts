// What our own agent and control plane tell each other that they can do, beside what Istio's can.
//
// The agent says it in its node's metadata (LATEEN.capabilities), the control plane in a header of each ADS stream, which
// comes before any message and is not there where somebody else answers.

/** Response header: names separated by commas. Names that are not known are ignored. */
export const capabilitiesHeader = "lateen-capabilities";

/** Route configurations travel in parts, as resources of type RoutePart. */
export const routePartsCapability = "route-parts";

export function formatCapabilities(capabilities: readonly string[]): string {
  return capabilities.join(",");
}

/** @param header as HTTP libraries give it; undefined where there is none */
export function parseCapabilities(header: string | readonly string[] | undefined): ReadonlySet<string> {
  const text = typeof header === "string" ? header : (header ?? []).join(",");
  return new Set(
    text
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== ""),
  );
}
