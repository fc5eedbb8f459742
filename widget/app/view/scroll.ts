import type { RefObject } from 'preact'
import { useCallback, useEffect, useRef, useState } from 'preact/hooks'

/** Nearer to the end than this, one is at the end. */
const endPx = 48
/** Drawn before it is seen. */
const aheadPx = 1_400

type Held = RefObject<HTMLDivElement | null>

/** Something on the screen, and where it was. */
interface Anchor {
  readonly element: Element
  readonly top: number
  readonly scrolled: number
}

export type Near = (element: Element, tell: (near: boolean) => void) => () => void

/**
 * Keeps in place what is looked at, whatever grows or comes above it; and the end in sight for who is at the end. All of it happens when sizes
 * have changed and nothing is drawn yet, so nothing jumps. It is done here because not every browser does it, and none at the top.
 */
export function useScroll(log: Held, content: Held) {
  const [away, setAway] = useState(false)
  const atEnd = useRef(true)
  /** Where it was, and how far it could go, when that was looked at last. */
  const last = useRef({ top: 0, most: 0 })
  const anchor = useRef<Anchor | undefined>(undefined)
  const observer = useRef<IntersectionObserver | undefined>(undefined)
  const told = useRef(new WeakMap<Element, (near: boolean) => void>())
  const toEnd = useCallback(() => {
    atEnd.current = true
    setAway(false)
    if (log.current) log.current.scrollTop = log.current.scrollHeight
  }, [log])
  const near: Near = useCallback(
    (element, tell) => {
      observer.current ??= new IntersectionObserver(
        entries => {
          for (const { target, isIntersecting } of entries) told.current.get(target)?.(isIntersecting)
        },
        { root: log.current, rootMargin: `${aheadPx}px 0px` },
      )
      const watching = observer.current
      told.current.set(element, tell)
      watching.observe(element)
      return () => watching.unobserve(element)
    },
    [log],
  )
  useEffect(() => {
    const scroller = log.current
    const inside = content.current
    if (!scroller || !inside) return
    const look = () => {
      const { scrollTop, scrollHeight, clientHeight } = scroller
      const most = scrollHeight - clientHeight
      const left = most - scrollTop
      // Who goes up leaves the end. What sizes do is no leaving: a move is told of a moment later, when the next message may be there already.
      if (left < endPx) atEnd.current = true
      else if (scrollTop < last.current.top && most === last.current.most) atEnd.current = false
      last.current = { top: scrollTop, most }
      setAway(!atEnd.current && left > clientHeight / 2)
      anchor.current = firstSeen(scroller)
    }
    const keep = () => {
      if (atEnd.current) scroller.scrollTop = scroller.scrollHeight
      else if (anchor.current?.element.isConnected) {
        const { element, top, scrolled } = anchor.current
        // What was scrolled meanwhile was meant.
        const meant = scroller.scrollTop - scrolled
        scroller.scrollTop += element.getBoundingClientRect().top - top + meant
      }
      last.current = { top: scroller.scrollTop, most: scroller.scrollHeight - scroller.clientHeight }
      anchor.current = firstSeen(scroller)
    }
    /** The page took all of it away, and with that every position; it is hung back already. */
    const hung = () => {
      scroller.scrollTop = last.current.top
    }
    const { host } = scroller.getRootNode() as ShadowRoot
    const sizes = new ResizeObserver(keep)
    sizes.observe(inside)
    sizes.observe(scroller)
    scroller.addEventListener('scroll', look, { passive: true })
    host.addEventListener('hung', hung)
    return () => {
      sizes.disconnect()
      observer.current?.disconnect()
      scroller.removeEventListener('scroll', look)
      host.removeEventListener('hung', hung)
    }
  }, [log, content])
  return { away, toEnd, near }
}

/**
 * The message at the upper edge, found without measuring all of them; not the block it is in, which may grow above it, nor the day over it, which goes
 * when others of that day come before.
 */
function firstSeen(scroller: HTMLElement): Anchor | undefined {
  // The last that an observer tells may come when the list has left the page.
  if (!scroller.isConnected) return undefined
  const { left, top, width } = scroller.getBoundingClientRect()
  const root = scroller.getRootNode() as ShadowRoot
  for (let below = 2; below < 160; below += 12) {
    const element = root.elementFromPoint(left + width / 2, top + below)?.closest('.row,.event,.block:empty')
    if (element && scroller.contains(element))
      return { element, top: element.getBoundingClientRect().top, scrolled: scroller.scrollTop }
  }
  return undefined
}
