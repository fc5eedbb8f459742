import { BlockList, isIP } from 'node:net'
import { groupsOf } from '../kernel/index.ts'

/** Addresses that are not the public internet: this machine, private networks, carriers, documentation, many at once, the machinery of clouds. */
const notPublic = new BlockList()
for (const subnet of [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
  // Of Azure: a public address that leads to the machine's own host.
  '168.63.129.16/32',
  // Within the one range of IPv6 that is public: Teredo and its like, documentation, IPv4 in disguise.
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  '3fff::/20',
])
  add(notPublic, subnet)

const publicIpv6 = new BlockList()
add(publicIpv6, '2000::/3')

/** `address` or `address/length`; false where it is neither. */
export function add(list: BlockList, subnet: string): boolean {
  const [address = '', length, ...rest] = subnet.split('/')
  const version = isIP(address)
  const most = version === 6 ? 128 : 32
  if (version === 0 || rest.length > 0 || (length !== undefined && !/^\d{1,3}$/.test(length))) return false
  const prefix = length === undefined ? most : Number(length)
  if (prefix > most) return false
  list.addSubnet(address, prefix, version === 6 ? 'ipv6' : 'ipv4')
  return true
}

/** Anything that is not surely public is not. */
export function isPublic(address: string): boolean {
  const version = isIP(address)
  if (version === 4) return !notPublic.check(address, 'ipv4')
  if (version !== 6 || !URL.canParse(`http://[${address}]`)) return false
  const plain = new URL(`http://[${address}]`).hostname.slice(1, -1)
  const inside = embedded(plain)
  if (inside) return !notPublic.check(inside, 'ipv4')
  return publicIpv6.check(plain, 'ipv6') && !notPublic.check(plain, 'ipv6')
}

/** The IPv4 address that an IPv6 address stands for: mapped (::ffff:0:0/96), or behind a translator (64:ff9b::/96). */
function embedded(address: string): string | undefined {
  const groups = groupsOf(address).map(group => Number.parseInt(group, 16))
  const [high = 0, low = 0] = groups.slice(6)
  const prefix = groups.slice(0, 6).join(' ')
  if (prefix !== '0 0 0 0 0 65535' && prefix !== '100 65435 0 0 0 0') return undefined
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.')
}
