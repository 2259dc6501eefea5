// The look-ups that several derivations of a scope share; every one goes through the Reader, so it is a dependency.
import type { Collection } from "../collection/collection.ts";
import type { Reader } from "../collection/derivation.ts";
import type { Config } from "../config/object.ts";
import type { VirtualService } from "../config/virtual-service/virtual-service.ts";
import { type Caller, type CallerFacts, callerOf, type ScopeTraits } from "./caller.ts";
import type { DestinationLookup } from "./destination.ts";
import { type HostRules, selectRules } from "./destination-rule.ts";
import { coveringHosts, type Hostname, resolveHost } from "./hostname.ts";
import type { Mesh } from "./mesh.ts";
import { defaultMeshSettings, type MeshSettings, meshSettingsKey } from "./mesh-settings.ts";
import { isHttp } from "./protocol.ts";
import type { Service } from "./service.ts";
import { selectVirtualService } from "./virtual-service.ts";
import { type AddressClaim, addressClaim, addressesOf } from "./visible-service.ts";

export interface ScopeReadsOptions {
  readonly mesh: Mesh;
  /** The services that the scope sees, by host. */
  readonly services: Collection<Service>;
  readonly traits: ScopeTraits;
  readonly facts: CallerFacts;
}

export class ScopeReads {
  private readonly mesh: Mesh;
  private readonly services: Collection<Service>;
  private readonly traits: ScopeTraits;
  private readonly facts: CallerFacts;

  constructor({ mesh, services, traits, facts }: ScopeReadsOptions) {
    this.mesh = mesh;
    this.services = services;
    this.traits = traits;
    this.facts = facts;
  }

  caller(read: Reader): Caller {
    return callerOf(this.traits, this.facts, read);
  }

  settings(read: Reader): MeshSettings {
    return read.get(this.mesh.settings, meshSettingsKey) ?? defaultMeshSettings;
  }

  rules(service: Service, read: Reader): HostRules {
    const candidates = coveringHosts(service.host).map((host) => read.get(this.mesh.destinationRules, host) ?? []);
    return selectRules(candidates, service, this.caller(read), this.settings(read));
  }

  virtualService(host: Hostname, read: Reader): Config<VirtualService> | undefined {
    const candidates = coveringHosts(host).map((name) => read.get(this.mesh.virtualServices, name) ?? []);
    return selectVirtualService(candidates, this.caller(read), this.settings(read).defaultVirtualServiceExportTo);
  }

  /** Claims of the services that the scope sees with HTTP at an address. */
  httpAt(address: string, port: number, read: Reader): AddressClaim[] {
    const there = read.get(this.mesh.httpServicesByAddress, address) ?? [];
    return there.flatMap(({ host, namespace, ports }) => {
      if (!ports.some(({ number, protocol }) => number === port && isHttp(protocol))) return [];
      const seen = read.get(this.services, host);
      const isThere = seen?.namespace === namespace && addressesOf(seen, this.traits).includes(address);
      return isThere ? [addressClaim(seen, this.caller(read))] : [];
    });
  }

  /** True where the VirtualService names the host itself. */
  names(config: Config<VirtualService>, host: string): boolean {
    const { namespace } = config.key;
    return (config.spec.hosts ?? []).some((name) => resolveHost(name, namespace, this.mesh.domainSuffix) === host);
  }

  lookup(read: Reader): DestinationLookup {
    return {
      service: (host) => read.get(this.services, host),
      rules: (service) => this.rules(service, read),
      domainSuffix: this.mesh.domainSuffix,
    };
  }
}
