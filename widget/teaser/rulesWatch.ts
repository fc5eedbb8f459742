import type { ProactiveRule } from '../../src/protocol/index.ts'
import { holds } from './rules.ts'

export interface Watch {
  check(): void
  /** Another page: what it has seen begins anew. */
  restart(): void
}

interface Watched {
  readonly rules: readonly ProactiveRule[]
  events(): readonly string[]
  /** False for what cannot be shown now. */
  met(rule: ProactiveRule): boolean
}

/** Watches what the rules ask for, and nothing that none of them asks for. */
export function watchRules({ rules, events, met }: Watched, signal: AbortSignal): Watch {
  let began = 0
  let scrolled = 0
  let timers: number[] = []
  const check = (leaving = false) => {
    // A timer may come a little early.
    const seconds = (performance.now() - began) / 1_000 + 0.1
    const seen = { url: location.href, seconds, scrolled, leaving, events: events() }
    rules.find(rule => holds(rule.when, seen) && met(rule))
  }
  const stop = () => {
    for (const timer of timers) clearTimeout(timer)
  }
  const restart = () => {
    stop()
    began = performance.now()
    scrolled = 0
    timers = rules.map(({ when }) => setTimeout(check, (when.seconds ?? 0) * 1_000))
  }
  const look = () => {
    const { scrollHeight, clientHeight } = document.documentElement
    scrolled = Math.max(scrolled, (100 * scrollY) / (scrollHeight - clientHeight || 1))
    check()
  }
  const left = ({ clientY, relatedTarget }: MouseEvent) => {
    if (clientY <= 0 && !relatedTarget) check(true)
  }
  if (rules.some(({ when }) => when.scroll)) addEventListener('scroll', look, { passive: true, signal })
  if (rules.some(({ when }) => when.exitIntent)) document.addEventListener('mouseout', left, { signal })
  signal.addEventListener('abort', stop)
  restart()
  return { check: () => check(), restart }
}
