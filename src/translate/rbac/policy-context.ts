// What the values of a policy mean depends on where and for what they are used.

export interface PolicyContext {
  readonly action: "ALLOW" | "DENY";
  readonly namespace: string;
  readonly trustDomain: string;
  readonly trustDomainAliases: readonly string[];
}
