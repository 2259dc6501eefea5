// Two ways by which objects reach the control plane: a file for each service, and the API.
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Program } from "../../kit/program.ts";
import type { ApiWrite, ApiWritten } from "./api-writer.ts";
import { churnNamespace, type ObjectKind, type ObjectWrite } from "./story.ts";

/** Resolves once the objects are on their way into the mesh. */
export type Writer = (writes: readonly ObjectWrite[]) => Promise<void>;

const groups: Readonly<Record<ObjectKind, readonly [group: string, plural: string]>> = {
  ServiceEntry: ["networking.istio.io", "serviceentries"],
  DestinationRule: ["networking.istio.io", "destinationrules"],
  VirtualService: ["networking.istio.io", "virtualservices"],
  AuthorizationPolicy: ["security.istio.io", "authorizationpolicies"],
  PeerAuthentication: ["security.istio.io", "peerauthentications"],
};

function objectOf({ kind, name, spec }: ObjectWrite): unknown {
  return { apiVersion: `${groups[kind][0]}/v1`, kind, metadata: { name, namespace: churnNamespace }, spec };
}

/** All objects of a service in one file, which is replaced whole: several changes arrive at once. */
export function fileWriter(folder: string, key: string): Writer {
  const present = new Map<string, ObjectWrite>();
  return async (writes) => {
    for (const write of writes) {
      const id = `${write.kind}/${write.name}`;
      if (write.spec === undefined) present.delete(id);
      else present.set(id, write);
    }
    // JSON is YAML.
    const text = [...present.values()].map((write) => JSON.stringify(objectOf(write))).join("\n---\n");
    const next = join(folder, `.${key}.yaml.new`);
    writeFileSync(next, text);
    renameSync(next, join(folder, `${key}.yaml`));
  };
}

/** The API, by a program on the control plane's host (api-writer.ts); several changes go one after the other. */
export class ApiWriter {
  private readonly program: Program;
  private readonly waiting = new Map<number, (written: ApiWritten) => void>();
  private count = 0;

  constructor(start: (onLine: (line: string) => void) => Program) {
    this.program = start((line) => {
      if (!line.startsWith("{")) return;
      const written = JSON.parse(line) as ApiWritten;
      this.waiting.get(written.id)?.(written);
      this.waiting.delete(written.id);
    });
  }

  readonly write: Writer = async (writes) => {
    for (const write of writes) {
      const [group, plural] = groups[write.kind];
      const path = `/apis/${group}/v1/namespaces/${churnNamespace}/${plural}/${write.name}`;
      const { status, detail } =
        write.spec === undefined
          ? await this.ask({ method: "DELETE", path })
          : await this.ask({ method: "PATCH", path: `${path}?fieldManager=churn&force=true`, body: objectOf(write) });
      if (status < 200 || status > 299) throw new TypeError(`${write.kind} ${write.name}: ${status} ${detail}`);
    }
  };

  private ask(write: Omit<ApiWrite, "id">): Promise<ApiWritten> {
    const id = ++this.count;
    return new Promise((resolve) => {
      this.waiting.set(id, resolve);
      this.program.write(JSON.stringify({ id, ...write } satisfies ApiWrite));
    });
  }
}
