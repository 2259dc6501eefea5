// A kind → its CustomResourceDefinition (apiextensions.k8s.io/v1), for Kubernetes clusters that share configuration.
import type { Kind, PrinterColumn } from "../kind.ts";
import { type StructuralSchema, structuralSchema } from "./structural-schema.ts";

export interface CustomResourceDefinition {
  apiVersion: "apiextensions.k8s.io/v1";
  kind: "CustomResourceDefinition";
  metadata: { name: string };
  spec: {
    group: string;
    names: {
      kind: string;
      listKind: string;
      plural: string;
      singular: string;
      shortNames?: readonly string[];
      categories?: readonly string[];
    };
    scope: Kind["scope"];
    versions: CustomResourceVersion[];
  };
}

export interface CustomResourceVersion {
  name: string;
  served: true;
  /** True for exactly one version. */
  storage: boolean;
  subresources: { status: Record<string, never> };
  additionalPrinterColumns?: readonly PrinterColumn[];
  schema: { openAPIV3Schema: StructuralSchema };
}

/** The manifest; undefined for Kubernetes' own kinds, which need none. */
export function crdOf(kind: Kind): CustomResourceDefinition | undefined {
  if (kind.group === "") return undefined;
  const schema = structuralSchema(kind);
  return {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${kind.plural}.${kind.group}` },
    spec: {
      group: kind.group,
      names: {
        kind: kind.kind,
        listKind: `${kind.kind}List`,
        plural: kind.plural,
        singular: kind.singular,
        ...(kind.shortNames.length === 0 ? {} : { shortNames: kind.shortNames }),
        ...categoriesOf(kind),
      },
      scope: kind.scope,
      versions: kind.versions.map((name, index) => ({
        name,
        served: true,
        storage: index === 0,
        subresources: { status: {} },
        ...(kind.columns.length === 0 ? {} : { additionalPrinterColumns: kind.columns }),
        schema: { openAPIV3Schema: schema },
      })),
    },
  };
}

/** `kubectl get istio-io` and `kubectl get networking-istio-io` list Istio's kinds. */
function categoriesOf(kind: Kind): { categories?: readonly string[] } {
  const [area, ...domain] = kind.group.split(".");
  return domain.join(".") === "istio.io" ? { categories: ["istio-io", `${area}-istio-io`] } : {};
}
