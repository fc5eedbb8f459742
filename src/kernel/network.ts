import { isIP } from 'node:net'

/** Whom a limit counts as one: whoever has one IPv6 address has at least 2^64 of them, so there it is the network. */
export function networkOf(address: string): string {
  const ip = isIP(address) === 0 ? withoutPort(address) : address
  const version = isIP(ip)
  if (version === 4) return ip
  // A proxy that we trust may still have passed on nonsense; all of it shares one allowance.
  if (version !== 6) return 'unknown'
  const mapped = ip.toLowerCase().startsWith('::ffff:') ? ip.slice('::ffff:'.length) : ''
  if (isIP(mapped) === 4) return mapped
  return `${groupsOf(ip).slice(0, 4).join(':')}::/64`
}

/** Some proxies say where a client comes from with its port, and an IPv6 address in brackets. */
const withoutPort = (address: string): string =>
  /^\[([^\]]*)\](?::\d+)?$/.exec(address)?.[1] ?? address.replace(/^([\d.]+):\d+$/, '$1')

/** The eight groups of an IPv6 address that is written without dots. */
export function groupsOf(ip: string): string[] {
  const [head = '', tail] = ip.split('::')
  const left = head.split(':').filter(Boolean)
  const right = tail?.split(':').filter(Boolean) ?? []
  return tail === undefined ? left : [...left, ...Array(8 - left.length - right.length).fill('0'), ...right]
}
