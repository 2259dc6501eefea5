// What the schema cannot say about a workload: addresses that reach something, labels, locality, service account.

import { parseIp } from "../../kernel/ip-address.ts";
import { configCodes } from "../errors.ts";
import { formatPath, type PathSegment } from "../field-path.ts";
import { isDnsName } from "../host-name.ts";
import { addressScope } from "../ip-address.ts";
import type { Finding } from "../kind.ts";
import { isLabelKey, isLabelValue } from "../metadata.ts";
import type { Workload } from "./workload.ts";

/** What the address may be: IP and socket for STATIC, IP and DNS name for DNS, all for a WorkloadEntry. */
export interface AddressForms {
  dnsName: boolean;
  socket: boolean;
}

export function checkWorkload(workload: Workload, at: readonly PathSegment[], forms: AddressForms): Finding[] {
  const findings: Finding[] = [];
  const report = (severity: Finding["severity"], path: PathSegment[], message: string, remedy: string): void => {
    findings.push({ severity, code: configCodes.ruleBroken, message, remedy, path: formatPath([...at, ...path]) });
  };
  if (workload.address !== undefined) {
    const fault = addressFault(workload.address, forms);
    if (fault !== undefined) report(fault.severity, ["address"], fault.message, fault.remedy);
  }
  for (const [key, value] of Object.entries(workload.labels ?? {})) {
    if (!isLabelKey(key)) {
      report("error", ["labels", key], "is not a valid label key", "Use letters, digits, '-', '_' and '.'.");
    }
    if (!isLabelValue(value)) {
      report(
        "error",
        ["labels", key],
        "is not a valid label value",
        "Use at most 63 letters, digits, '-', '_' and '.'.",
      );
    }
  }
  if (workload.locality !== undefined && workload.locality.split("/").length > 3) {
    report("warning", ["locality"], "parts after region/zone/subzone have no effect", "Write at most three parts.");
  }
  if (workload.serviceAccount !== undefined && !isIdentityName(workload.serviceAccount)) {
    report(
      "error",
      ["serviceAccount"],
      "is not a valid service account name",
      "Use letters, digits, '-', '_' and '.': the name becomes a part of the SPIFFE ID.",
    );
  }
  return findings;
}

/** A segment of a SPIFFE ID's path (SPIFFE-ID §2.2); empty means none is set. */
function isIdentityName(text: string): boolean {
  return text === "" || (/^[a-zA-Z0-9._-]+$/.test(text) && text !== "." && text !== "..");
}

interface Fault {
  severity: Finding["severity"];
  message: string;
  remedy: string;
}

function addressFault(address: string, forms: AddressForms): Fault | undefined {
  if (address.startsWith("unix://")) {
    if (forms.socket) return undefined;
    return { severity: "error", message: "a socket needs resolution STATIC", remedy: "Set resolution: STATIC." };
  }
  const ip = parseIp(address);
  if (ip === undefined) {
    if (forms.dnsName && isDnsName(address)) return undefined;
    if (address.includes("%")) {
      return {
        severity: "error",
        message: "an address with a zone means nothing on another machine",
        remedy: "Use an address without %zone.",
      };
    }
    const expected = forms.dnsName ? "an IP address or a DNS name" : "an IP address";
    const dnsHint = !forms.dnsName && isDnsName(address);
    return {
      severity: "error",
      message: `must be ${expected}`,
      remedy: dnsHint ? "Use an IP address, or set resolution: DNS." : `Write ${expected}.`,
    };
  }
  const scope = addressScope(ip);
  switch (scope) {
    case "ordinary":
      return undefined;
    case "loopback":
      return {
        severity: "warning",
        message: "a loopback address reaches each caller's own machine",
        remedy: "Use the address at which other machines reach the workload.",
      };
    case "link-local":
      return {
        severity: "warning",
        message: "a link-local address reaches only neighbours on the same link",
        remedy: "Use the address at which other machines reach the workload.",
      };
    case "metadata":
      return {
        severity: "error",
        message: "the address of a cloud metadata service cannot be a workload",
        remedy: "Use the address of the workload.",
      };
    default:
      return {
        severity: "error",
        message: `the ${scope} address cannot be a workload`,
        remedy: "Use the address of the workload.",
      };
  }
}
