import type { RefObject } from 'preact'
import { useEffect } from 'preact/hooks'

/**
 * The focus that was in the panel stays there: where what had it goes, the next thing to do has it; where the page took all of the widget away
 * and it was hung back, what had it.
 */
export function useFocusKept(panel: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const { current: inside } = panel
    if (!inside) return
    const root = inside.getRootNode() as ShadowRoot
    let last = root.activeElement as HTMLElement | null
    const came = ({ target }: FocusEvent) => {
      last = target as HTMLElement
    }
    // What is taken away loses the focus as well, but is missed at once. Who leaves by themselves has left a turn later.
    const left = () =>
      setTimeout(() => {
        if (!root.activeElement) last = null
      })
    const look = () => {
      if (!last || root.activeElement || document.activeElement !== document.body) return
      const found = ['.sheet,.light', '.foot textarea,.full button'].map(one =>
        inside.querySelector<HTMLElement>(one),
      )
      const next = last.isConnected ? last : (found.find(one => one) ?? inside)
      next.focus({ preventScroll: true })
    }
    const changes = new MutationObserver(() => last?.isConnected || look())
    changes.observe(inside, { childList: true, subtree: true })
    inside.addEventListener('focusin', came)
    inside.addEventListener('focusout', left)
    root.host.addEventListener('hung', look)
    return () => {
      changes.disconnect()
      root.host.removeEventListener('hung', look)
    }
  }, [panel])
}
