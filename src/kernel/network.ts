import { isIP } from 'node:net'

/** Whom a limit counts as one: whoever has one IPv6 address has at least 2^64 of them, so there it is the network. */
export function networkOf(ip: string): string {
  if (isIP(ip) === 4 || ip.startsWith('::ffff:')) return ip
  // A proxy that we trust may still have passed on nonsense; all of it shares one allowance.
  if (isIP(ip) !== 6) return 'unknown'
  const [head = '', tail] = ip.split('::')
  const left = head.split(':').filter(Boolean)
  const right = tail?.split(':').filter(Boolean) ?? []
  const groups =
    tail === undefined ? left : [...left, ...Array(8 - left.length - right.length).fill('0'), ...right]
  return `${groups.slice(0, 4).join(':')}::/64`
}
