/**
 * Tells when a page of a single-page application becomes another one. History is left as it is: of patched functions there are
 * always several, and they do not agree. Where the browser has no Navigation API, a glance every second has to do.
 */
export function watchAddress(changed: (from: string) => void, signal: AbortSignal): void {
  let known = location.href
  const look = () => {
    if (location.href === known) return
    const from = known
    known = location.href
    changed(from)
  }
  const { navigation } = window as { navigation?: EventTarget }
  if (navigation) navigation.addEventListener('currententrychange', look, { signal })
  else {
    const timer = setInterval(look, 1_000)
    signal.addEventListener('abort', () => clearInterval(timer))
  }
}
