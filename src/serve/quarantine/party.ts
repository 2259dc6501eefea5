// Who speaks when a stream rejects something: whose words count as one. A machine renews its certificate as often as it
// likes, so certificates count nobody.

export interface Party {
  /** SPIFFE id that the stream has proven; empty where it has proven none. */
  readonly account: string;
  /** Key of the WorkloadEntry that the stream speaks for; undefined where none is registered. */
  readonly machine: string | undefined;
}

/** A stream that says something. */
export interface Speaker {
  /** Serial number of the client certificate; all streams without one count as one. */
  readonly certificate: string;
  readonly party: Party;
}

/** Registered machines are told apart; of one account, a stream without is taken for any of them. */
export function isSameParty(a: Party, b: Party): boolean {
  return a.account === b.account && (a.machine === b.machine || a.machine === undefined || b.machine === undefined);
}

/** Whether two parties at least have spoken. */
export function areSeveral(refusers: Iterable<Speaker>): boolean {
  const machines = new Map<string, string | undefined>();
  for (const { party } of refusers) {
    const known = machines.get(party.account) ?? party.machine;
    if (party.machine !== undefined && party.machine !== known) return true;
    machines.set(party.account, known);
  }
  return machines.size > 1;
}

/** Whether the stream is of a machine that has spoken already, as far as that can be told. */
export function hasSpoken(refusers: Iterable<Speaker>, stream: Speaker): boolean {
  const { certificate, party } = stream;
  for (const refuser of refusers) {
    if (refuser.certificate === certificate) return true;
    if (party.machine !== undefined && party.machine === refuser.party.machine) return true;
  }
  return false;
}
