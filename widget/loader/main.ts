import type { ParleyOptions } from '../module/parley.d.ts'
import { createParley } from './parley.ts'
import { warn } from './warn.ts'

/** What pages put in our place until we are here: `function () { (Parley.q = Parley.q || []).push(arguments) }`. */
interface Stub {
  q?: Iterable<unknown>[]
  destroy?: unknown
}

// Some managers of tags run scripts in ways that leave no current one.
const tag = document.currentScript ?? document.querySelector('script[data-widget]')

try {
  if (tag) start(tag as HTMLScriptElement)
  else warn('No tag has data-widget.')
} catch (error) {
  // Whatever it is, the page goes on.
  warn(`${error}`)
}

function start({ dataset, src }: HTMLScriptElement): void {
  const stub = window.Parley as Stub | undefined
  if (stub?.destroy) throw new Error('This page has a second tag.')
  const options = { widget: '-', host: src, ...dataset } as ParleyOptions
  const parley = createParley(options, () => {
    if (window.Parley === parley) delete window.Parley
  })
  window.Parley = parley
  const call = parley as (...call: unknown[]) => unknown
  if (!stub) return
  for (const earlier of stub.q ?? []) call(...earlier)
  // Pages that hold on to what stood here before go on calling that.
  Object.assign(parley, { q: { push: (later: Iterable<unknown>) => call(...later) } })
}
