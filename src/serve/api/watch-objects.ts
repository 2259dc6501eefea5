// GET with `watch=true`: changes as they come, one JSON object a line.

import type { Kind } from "../../config/kind.ts";
import type { Clock } from "../../kernel/clock.ts";
import type { LoggedEvent } from "./event-log.ts";
import { bookmarkMs, watchBufferLimit, watchSeconds } from "./limits.ts";
import { listObjects, selects } from "./list-objects.ts";
import type { ObjectView, ViewEntry } from "./object-view.ts";
import type { WatchOptions } from "./query-options.ts";
import type { ShownObject } from "./render-object.ts";
import type { Representation } from "./representation.ts";
import { type Status, StatusError } from "./status-error.ts";

/** Where a stream of lines goes. */
export interface LineSink {
  write(line: string): void;
  /** Bytes that wait to be taken by the client. */
  readonly waitingBytes: number;
  /** Resolves when what waits was taken, or the client is gone. */
  drained(): Promise<void>;
  /** Aborted when the client is gone or the server stops. */
  readonly signal: AbortSignal;
}

export interface WatchRequest {
  view: ObjectView;
  kind: Kind;
  /** Empty for all. */
  namespace: string;
  options: WatchOptions;
  representation: Representation;
  render: (entry: ViewEntry) => ShownObject;
  clock: Clock;
}

type EventType = "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";

/** Runs until the time is over, the client is gone, or it fell too far behind. */
export async function watchObjects(request: WatchRequest, sink: LineSink): Promise<void> {
  const { view, kind, options, clock } = request;
  const { resourceVersion = 0, timeoutSeconds = watchSeconds } = options;
  const out = new EventWriter(request, sink);
  if (resourceVersion > view.revision) return out.error(expired("the resource version is not from this server"));
  // Without a revision a watch begins with what there is.
  const withState = options.sendInitialEvents ?? resourceVersion === 0;
  const page = withState ? listObjects(view, kind, request.namespace, stateOptions(options)) : undefined;
  const from = page === undefined ? (resourceVersion === 0 ? view.revision : resourceVersion) : view.revision;
  const reader = view.follow(kind, from);
  if (reader === undefined) return out.error(expired(`too old resource version: ${resourceVersion}`));
  const pulse = new Pulse(sink.signal);
  const cancels = [
    reader.onNews(() => pulse.beat()),
    clock.after(timeoutSeconds * 1000, () => pulse.end()),
    ...(options.bookmarks ? [clock.every(bookmarkMs, () => pulse.beat("bookmark"))] : []),
  ];
  try {
    for (const entry of page?.entries ?? []) {
      out.object("ADDED", entry);
      if (sink.waitingBytes > watchBufferLimit) await sink.drained();
      if (pulse.ended) return;
    }
    if (withState && options.sendInitialEvents === true && options.bookmarks) {
      out.bookmark(from, { "k8s.io/initial-events-end": "true" });
    }
    while (!pulse.ended) {
      const event = reader.next();
      if (event === "expired") return out.error(expired("the watch fell too far behind"));
      if (event === undefined) {
        // Everything up to the view's revision has been sent.
        if (pulse.takeBookmark()) out.bookmark(view.revision);
        await pulse.next();
        continue;
      }
      out.change(event);
      if (sink.waitingBytes > watchBufferLimit) await sink.drained();
    }
  } finally {
    for (const cancel of cancels) cancel();
    pulse.end();
  }
}

/** The state is sent whole, whatever the client says of pages. */
function stateOptions(options: WatchOptions): WatchOptions {
  return { ...options, limit: undefined, continue: undefined, resourceVersionMatch: undefined };
}

class EventWriter {
  private readonly request: WatchRequest;
  private readonly sink: LineSink;
  private first = true;

  constructor(request: WatchRequest, sink: LineSink) {
    this.request = request;
    this.sink = sink;
  }

  /** An object that begins or ceases to fit the selectors is added or deleted for this watch. */
  change({ revision, before, after }: LoggedEvent<ViewEntry>): void {
    const { options, namespace } = this.request;
    const was = before !== undefined && selects(options, namespace, before);
    const is = after !== undefined && selects(options, namespace, after);
    if (is) this.object(was ? "MODIFIED" : "ADDED", after);
    else if (was) this.object("DELETED", { ...before, revision });
  }

  object(type: EventType, entry: ViewEntry): void {
    this.write(type, this.request.representation.event(this.request.render(entry), this.first));
    this.first = false;
  }

  bookmark(revision: number, annotations?: Record<string, string>): void {
    const metadata = { resourceVersion: String(revision), ...(annotations === undefined ? {} : { annotations }) };
    this.write("BOOKMARK", this.request.representation.bookmark(metadata));
  }

  error(status: Status): void {
    this.write("ERROR", status);
  }

  private write(type: EventType, object: unknown): void {
    this.sink.write(`${JSON.stringify({ type, object })}\n`);
  }
}

/** What wakes a watch: news, a bookmark that is due, its end. */
class Pulse {
  ended = false;
  private beaten = false;
  private bookmarkDue = false;
  private wake: () => void = () => {};

  constructor(signal: AbortSignal) {
    if (signal.aborted) this.ended = true;
    else signal.addEventListener("abort", () => this.end(), { once: true });
  }

  beat(why?: "bookmark"): void {
    this.beaten = true;
    if (why === "bookmark") this.bookmarkDue = true;
    this.wake();
  }

  end(): void {
    this.ended = true;
    this.wake();
  }

  takeBookmark(): boolean {
    const due = this.bookmarkDue;
    this.bookmarkDue = false;
    return due;
  }

  async next(): Promise<void> {
    if (!this.beaten && !this.ended) {
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
    this.beaten = false;
  }
}

function expired(message: string): Status {
  return new StatusError("expired", message).status;
}
