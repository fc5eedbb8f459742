import type { Credential } from '../../../src/client/index.ts'
import type { Failure } from '../../../src/protocol/index.ts'
import type { Boot } from '../contract.ts'
import type { Kept } from './kept.ts'

interface Visit {
  readonly token: string
  readonly resume: string
  readonly contactId: string
}

export interface KeptVisitor {
  readonly resume: string
  /** Whom the site said this is. */
  readonly subject?: string
}

/** Who this browser's visitor is to the server: begun anew, gone on with, or proved by the site. */
export class Session {
  identity: string | undefined
  readonly #boot: Boot
  readonly #kept: Kept

  constructor(boot: Boot, kept: Kept, identity?: string) {
    this.#boot = boot
    this.#kept = kept
    this.identity = identity
  }

  async begin(): Promise<Credential<'visitor'>> {
    const kept = await this.#kept.get<KeptVisitor>('visitor')
    const { identity } = this
    const answer = await this.#ask({
      widget: this.#boot.key,
      ...(kept && { resume: kept.resume }),
      ...(identity && { identity }),
    })
    if ('code' in answer) {
      // Not with a token about somebody else: who was here before is not who sits there now.
      if (!identity || answer.retryable || this.isAnother(kept, identity)) throw answer
      // It has expired while nobody chatted, or is none. Who needs none is welcome as who they were.
      this.#boot.tell({ type: 'error', code: answer.code, message: answer.message })
      this.#used(identity)
      return this.begin()
    }
    const subject = identity ? subjectOf(identity) : kept?.subject
    await this.#kept.set('visitor', { resume: answer.resume, ...(subject && { subject }) })
    // What it led to is proved by `resume` from now on, which lasts longer than the site's token.
    this.#used(identity)
    return { token: answer.token }
  }

  /** Whether that token is about somebody else than who was here before. One that names nobody is about nobody else. */
  isAnother(before: KeptVisitor | undefined, identity = this.identity): boolean {
    const subject = identity && subjectOf(identity)
    return !!before?.subject && !!subject && before.subject !== subject
  }

  #used(identity: string | undefined): void {
    if (this.identity === identity) this.identity = undefined
  }

  async #ask(body: object): Promise<Visit | Failure> {
    let response: Response
    try {
      response = await fetch(`${this.#boot.origin}/api/v1/visitor/sessions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        credentials: 'omit',
        body: JSON.stringify(body),
      })
    } catch {
      return unreachable
    }
    const answer: unknown = await response.json().catch(() => undefined)
    return response.ok && answer ? (answer as Visit) : problemOf(response, answer)
  }
}

const unreachable: Failure = { code: 'unavailable', message: '', retryable: true }

/** A problem as a failure: the client tells by it whether to come back. */
function problemOf(response: Response, answer: unknown): Failure {
  const { code, detail, title, retryable } = (answer ?? {}) as Record<string, unknown>
  if (typeof code !== 'string') return unreachable
  const retryAfter = Number(response.headers.get('retry-after'))
  return {
    code: code as Failure['code'],
    message: String(detail ?? title ?? ''),
    retryable: retryable === true,
    ...(retryAfter > 0 && { retryAfter }),
  }
}

/** Read without a check, which is the server's: it only tells two people apart. */
function subjectOf(identity: string): string | undefined {
  try {
    const claims = identity.split('.')[1]?.replace(/-/g, '+').replace(/_/g, '/') ?? ''
    const { sub } = JSON.parse(atob(claims)) as { sub?: unknown }
    return typeof sub === 'string' ? sub : undefined
  } catch {
    return undefined
  }
}
