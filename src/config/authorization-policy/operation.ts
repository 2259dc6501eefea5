// Operation: what is called (istio.security.v1beta1.Operation).
import { object, type Rule, type SpecOf } from "../schema.ts";
import { type At, broken, dubious, type Report } from "../virtual-service/finding.ts";
import { checkWildcard, checkWildcards, values } from "./match-value.ts";
import { isPathTemplate, pathFault } from "./path-template.ts";
import { hasValues } from "./source.ts";

export function isPortText(text: string): boolean {
  return /^[1-9]\d{0,4}$/.test(text) && Number(text) <= 65535;
}

const port: Rule<string> = { message: "must be a port between 1 and 65535", test: isPortText };

const fields = {
  hosts: values("Hosts of the request, compared without regard to case."),
  notHosts: values("Hosts that the request must not have."),
  ports: values("Ports of the workload that is called.", { rules: [port] }),
  notPorts: values("Ports that must not be the one that is called.", { rules: [port] }),
  methods: values("Methods of the request, such as GET; for gRPC always POST."),
  notMethods: values("Methods that the request must not have."),
  paths: values(
    "Paths of the request without the query: exact, prefix*, *suffix, or a template with {*} for one segment and {**} for any number.",
  ),
  notPaths: values("Paths that the request must not have."),
};

export const operationSchema = object(fields, {
  description: "Conditions on the request, all of which must hold; within one list, one value suffices.",
  rules: [hasValues(Object.keys(fields))],
});

export type Operation = SpecOf<typeof operationSchema>;

export function checkOperation(operation: Operation, at: At, report: Report): void {
  for (const field of ["hosts", "notHosts", "methods", "notMethods"] as const) {
    checkWildcards(operation[field], [...at, field], report);
  }
  for (const field of ["paths", "notPaths"] as const) {
    for (const [index, path] of (operation[field] ?? []).entries()) checkPath(path, [...at, field, index], report);
  }
}

function checkPath(path: string, at: At, report: Report): void {
  const fault = pathFault(path);
  if (fault !== undefined) {
    report(broken(at, fault));
    return;
  }
  if (!path.startsWith("/") && !path.startsWith("*")) {
    report(dubious(at, "never matches: paths begin with /", "Put a / at the beginning."));
  }
  if (!isPathTemplate(path)) checkWildcard(path, at, report);
}
