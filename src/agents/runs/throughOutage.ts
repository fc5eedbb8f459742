import { ParleyError, pause } from '../../kernel/index.ts'

const attempts = 6

/** Six seconds of a database that is away cost no answer. What is done here may have been done by an attempt that heard no answer. */
export async function throughOutage<Value>(work: () => Promise<Value>): Promise<Value> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      const away = error instanceof ParleyError && error.code === 'unavailable'
      if (!away || attempt === attempts) throw error
      await pause(100 * 2 ** attempt)
    }
  }
}
