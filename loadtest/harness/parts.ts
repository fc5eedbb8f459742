import type { Reply } from './children.ts'

type Methods = Record<string, (...args: never[]) => unknown>

/** The other end of `startChild`: carries out calls of the process that started this one. */
export function serveCalls(methods: Methods): void {
  process.on('message', ({ id, method, args }: { id: number; method: string; args: never[] }) => {
    const reply = (answer: Omit<Reply, 'id'>) => process.send?.({ id, ...answer })
    const run = methods[method]
    if (!run) return reply({ error: `there is no ${method}` })
    Promise.resolve()
      .then(() => run(...args))
      .then(
        value => reply({ value }),
        (error: unknown) =>
          reply({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
      )
  })
  // Whoever started us is gone.
  process.on('disconnect', () => process.exit(0))
}
