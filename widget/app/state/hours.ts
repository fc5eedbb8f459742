import type { WidgetConfig } from '../../../src/protocol/index.ts'

/**
 * False while people answer; otherwise until when they do not, and '' where nobody knows. The settings are of when the page was loaded, and say
 * when that changes: what of it has come since is what counts.
 */
export function awayUntil(
  { open, opensAt, closesAt }: WidgetConfig['hours'],
  now = new Date().toISOString(),
): string | false {
  const come = (at: string | null) => (at && at <= now ? at : '')
  const opened = come(opensAt)
  const closed = come(closesAt)
  if (opened === closed ? open : opened > closed) return false
  return opened ? '' : (opensAt ?? '')
}
