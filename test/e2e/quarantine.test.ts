// One bad object hurts only itself: what Envoys refuse is traced to its object and kept from the others, and its author is
// told. The regular expressions here pass the checks, which only estimate how large a program RE2 makes of them, and are
// larger than Envoy accepts; should the estimate learn of case folding, other objects must take their place.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { meshService, workloadGroup } from "../kit/echo-objects.ts";
import { eventually } from "../kit/eventually.ts";
import type { Machine } from "../kit/machine.ts";
import { Mesh, rootOnly } from "../kit/mesh.ts";

/** A second name for the machines of echo. */
const other = meshService("other").replace("labels: {app: other}", "labels: {app: echo}");

function virtualService(host: string, http: string): string {
  return `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: ${host}, namespace: shop}
spec:
  hosts: [${host}.shop.svc.cluster.local]
  http: [${http}]
---
`;
}

const route = (host: string): string =>
  `route: [{destination: {host: ${host}.shop.svc.cluster.local, port: {number: 80}}}]`;
const marked = (value: string): string => `headers: {response: {set: {x-marked: ${value}}}}`;

/** 48,000 instructions, of which the checks see 32,000: without regard to case, `[^a]` is three ranges. */
const large = `(?i)${"[^a]{1000}".repeat(16)}`;

/** By the field that Envoy refuses. */
const refused: Readonly<Record<string, string>> = {
  "spec.http[0].match[0].uri.regex": `{match: [{uri: {regex: "${large}"}}], ${route("echo")}}`,
  "spec.http[0].rewrite.uriRegexRewrite.match": `{rewrite: {uriRegexRewrite: {match: "${large}", rewrite: /}}, ${route("echo")}}`,
  "spec.http[0].match[0].headers.x-long.regex": `{match: [{headers: {x-long: {regex: "${large}"}}}], ${route("echo")}}`,
};

const patience = { everyMs: 200, withinMs: 20_000 };

interface Shown {
  status?: {
    conditions?: { type: string; status: string; reason: string; message: string }[];
    validationMessages?: { type: { code: string }; level: string; message: string }[];
  };
}

describe("quarantine", rootOnly, () => {
  let mesh: Mesh;
  let front: Machine;

  before(async () => {
    const services = meshService("echo") + other;
    mesh = await Mesh.start({ objects: workloadGroup("front") + workloadGroup("echo") + services });
    await mesh.join("echo-1", "shop/echo", { echo: true });
    front = await mesh.join("front", "shop/front");
    await mesh.control.apply(virtualService("echo", `{${marked("one")}, ${route("echo")}}`));
    await shows(front, "echo", "one");
  });
  after(() => mesh?.stop());

  /** Calls get a status of 200 and the mark of a version of the object. */
  const shows = async (machine: Machine, host: string, mark: string): Promise<void> => {
    await eventually(async () => {
      const { status, headers } = await machine.one(`http://${host}.shop.svc.cluster.local/`);
      assert.deepEqual([status, headers["x-marked"]], [200, mark]);
    }, patience);
  };
  const apply = (objects: string): Promise<string> => mesh.control.apply(objects);
  const object = (): Promise<Shown> => mesh.control.get<Shown>("virtualservice", "echo", "-n", "shop");

  for (const [field, http] of Object.entries(refused)) {
    describe(`of ${field}`, () => {
      it("its author is told within two seconds, with the field and what holds instead", async () => {
        const warnings = await apply(virtualService("echo", http));
        assert.match(warnings, /^warning: VirtualService shop\/echo: /m);
        assert.ok(warnings.includes(`${field}: Envoy 1.`), warnings);
        const { status } = await object();
        const condition = status?.conditions?.find(({ type }) => type === "ProxiesAccepted");
        assert.deepEqual([condition?.status, condition?.reason], ["False", "Rejected"]);
        assert.match(
          condition?.message ?? "",
          /refused by 2: echo-1\.shop, front\.shop.*the last accepted version stays/,
        );
        assert.deepEqual(
          status?.validationMessages?.map(({ type: { code }, level }) => `${level} ${code}`),
          ["ERROR LAT2117"],
        );
        assert.match(
          await mesh.control.lateen("describe", "vs", "echo", "-n", "shop"),
          /error LAT2117 spec\.http\[0\]/,
        );
      });

      it("a route that Envoy refuses does not hold up the next one", async () => {
        await apply(virtualService("other", `{${marked("next")}, ${route("other")}}`));
        await shows(front, "other", "next");
        await shows(front, "echo", "one");
      });

      it("the corrected object is served at once, and nothing is said of it any more", async () => {
        assert.doesNotMatch(await apply(virtualService("echo", `{${marked("two")}, ${route("echo")}}`)), /warning/);
        await shows(front, "echo", "two");
        assert.equal((await object()).status?.conditions, undefined);
        await apply(virtualService("echo", `{${marked("one")}, ${route("echo")}}`));
        await apply(virtualService("other", `{${marked("before")}, ${route("other")}}`));
        await shows(front, "echo", "one");
        await shows(front, "other", "before");
      });
    });
  }

  it("the machine that joins later is not sent it", async () => {
    await apply(virtualService("echo", refused["spec.http[0].match[0].uri.regex"] ?? ""));
    const late = await mesh.join("late", "shop/front");
    await shows(late, "echo", "one");
    await shows(late, "other", "before");
    await late.assertNothingRejected();
    const { output: state } = await mesh.control.attempt("proxy-status", "late.shop");
    assert.match(state, /^RDS +NACK/m);
    assert.match(state, /VirtualService\/shop\/echo/);
    assert.equal(await mesh.control.metric("lateen_quarantined_resources"), 1);
  });

  it("nor is the machine whose agent starts anew, and what was accepted stays there", async () => {
    assert.equal(await front.stopAgent(), 0);
    front.startAgent();
    await shows(front, "echo", "one");
  });

  it("nothing is left of it once its author has taken it back", async () => {
    await mesh.control.remove("virtualservice/echo", "shop");
    await eventually(async () => {
      assert.equal(await mesh.control.metric("lateen_quarantined_resources"), 0);
      assert.doesNotMatch(await mesh.control.lateen("proxy-status"), /NACK/);
    }, patience);
  });
});
