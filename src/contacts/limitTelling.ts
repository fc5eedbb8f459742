import { TokenBuckets } from '../gateway/index.ts'
import { ParleyError } from '../kernel/index.ts'

/** For each visitor, on one node: something of themselves 20 times at once, and once a second for long. Throws `rate_limited`. */
export function limitTelling(): (contactId: string) => void {
  const tellings = new TokenBuckets<string>(1, 20)
  return contactId => {
    const wait = tellings.take(contactId)
    if (wait > 0)
      throw new ParleyError('rate_limited', 'So much cannot be said of a visitor at once.', {
        retryAfter: Math.ceil(wait * 10) / 10,
      })
  }
}
