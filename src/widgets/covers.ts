/** Whether a list of domains covers the origin of a page. `*.example.com` is every name below it; a port counts where one is named. */
export function covers(domains: readonly string[], page: string): boolean {
  if (!URL.canParse(page)) return false
  const { hostname, port, protocol } = new URL(page)
  // A browser leaves out the port that its scheme implies; a domain may name it.
  const host = `${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`
  return domains.some(domain => {
    const place = domain.includes(':') ? host : hostname
    return domain.startsWith('*.') ? place.endsWith(domain.slice(1)) : place === domain
  })
}
