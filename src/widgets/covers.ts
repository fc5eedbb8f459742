/** Whether a list of domains covers the origin of a page. `*.example.com` is every name below it; a port counts where one is named. */
export function covers(domains: readonly string[], page: string): boolean {
  if (!URL.canParse(page)) return false
  const { hostname, host } = new URL(page)
  return domains.some(domain => {
    const place = domain.includes(':') ? host : hostname
    return domain.startsWith('*.') ? place.endsWith(domain.slice(1)) : place === domain
  })
}
