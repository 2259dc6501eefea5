// The questions that wait for one machine, as resources on its stream.
import type { ResourceChange, ResourceSet } from "../../xds/generator.ts";
import type { Resource } from "../../xds/resource.ts";

export class QuestionSet implements ResourceSet {
  private readonly questions = new Map<string, Resource>();
  private readonly listeners = new Set<(changes: readonly ResourceChange[]) => void>();

  get size(): number {
    return this.questions.size;
  }

  get(name: string): Resource | undefined {
    return this.questions.get(name);
  }

  values(): IterableIterator<Resource> {
    return this.questions.values();
  }

  subscribe(listener: (changes: readonly ResourceChange[]) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  add(question: Resource): void {
    this.questions.set(question.name, question);
    this.tell({ key: question.name, before: undefined, after: question });
  }

  remove(name: string): void {
    const before = this.questions.get(name);
    if (before === undefined) return;
    this.questions.delete(name);
    this.tell({ key: name, before, after: undefined });
  }

  private tell(change: ResourceChange): void {
    for (const listener of [...this.listeners]) listener([change]);
  }
}
