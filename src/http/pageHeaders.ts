import type { Response } from 'express'

const ofPages = [
  'Content-Security-Policy',
  'Cross-Origin-Opener-Policy',
  'Origin-Agent-Cluster',
  'Referrer-Policy',
  'X-DNS-Prefetch-Control',
  'X-Download-Options',
  'X-Frame-Options',
  'X-Permitted-Cross-Domain-Policies',
  'X-XSS-Protection',
]

/** What other sites' pages load is no page: what protects one of ours would only be weight, on every page that embeds a widget. */
export function asNoPage(response: Response): void {
  for (const name of ofPages) response.removeHeader(name)
}
