import { BlockList, isIP } from 'node:net'
import { add } from './publicAddress.ts'

/** Where outgoing requests may go although it is not public: names, also `*.example.com`, addresses, and networks such as 10.0.0.0/8. */
export interface AllowList {
  /** By its name: wherever that leads, and at any port. */
  hasHost(host: string): boolean
  hasAddress(address: string): boolean
}

const hostName = /^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/i

/** Undefined where an entry is none of these. */
export function parseAllowList(entries: readonly string[]): AllowList | undefined {
  const hosts = new Set<string>()
  const domains: string[] = []
  const networks = new BlockList()
  for (const entry of entries) {
    if (add(networks, entry)) continue
    // What looks like an address and is none, such as 10.0.0.300, must not pass for a name.
    if (!hostName.test(entry) || /(^|\.)\d+$/.test(entry)) return undefined
    if (entry.startsWith('*.')) domains.push(entry.slice(1).toLowerCase())
    else hosts.add(entry.toLowerCase())
  }
  return {
    hasHost: host => hosts.has(host) || domains.some(domain => host.endsWith(domain)),
    hasAddress: address => {
      const version = isIP(address)
      return version !== 0 && networks.check(address, version === 6 ? 'ipv6' : 'ipv4')
    },
  }
}
