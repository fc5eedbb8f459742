import { useEffect, useRef, useState } from 'preact/hooks'

/** What the app is made of at this moment. Whoever draws a part of it hears of changes to that part alone. */
export class Store<State extends object> {
  #state: State
  readonly #listeners = new Set<() => void>()

  constructor(state: State) {
    this.#state = state
  }

  get state(): State {
    return this.#state
  }

  set(change: Partial<State>): void {
    const names = Object.keys(change) as (keyof State)[]
    if (names.every(name => this.#state[name] === change[name])) return
    this.#state = { ...this.#state, ...change }
    for (const listener of [...this.#listeners]) listener()
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }
}

export function usePart<State extends object, Part>(
  store: Store<State>,
  choose: (state: State) => Part,
): Part {
  const [, draw] = useState({})
  const part = choose(store.state)
  const latest = useRef({ choose, part })
  latest.current = { choose, part }
  useEffect(() => {
    const look = () => {
      const { choose, part } = latest.current
      if (choose(store.state) !== part) draw({})
    }
    // Something may have changed between drawing and now.
    look()
    return store.subscribe(look)
  }, [store])
  return part
}
