import { type Logger, pino } from 'pino'

export type Log = Logger

/**
 * Structured logs on standard output. Logs carry ids and counts, never message text or tokens (S5); the redaction below is
 * a second line of defence for headers and bodies that slip in.
 */
export function createLog(options: { level: string }): Log {
  return pino({
    level: options.level,
    base: {},
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: label => ({ level: label }) },
    serializers: { err: describeError },
    redact: {
      paths: [
        'password',
        'token',
        'secret',
        'authorization',
        'cookie',
        '*.password',
        '*.token',
        '*.secret',
        '*.authorization',
        '*.cookie',
        'headers["set-cookie"]',
      ],
      censor: '[redacted]',
    },
  })
}

/**
 * Of an error only what says where it happened. Its other properties are left out: drivers hang the connection, the row and
 * the values of the query on them, and put the values into the message too.
 */
export function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error)
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code } : {}
  const cause = error.cause === undefined ? {} : { cause: describeError(error.cause) }
  const stack = withoutValues(error.stack ?? '')
  return { type: error.constructor.name, message: withoutValues(error.message), ...code, stack, ...cause }
}

const withoutValues = (text: string): string => text.replace(/\nparams: [\s\S]*?(?=\n {4}at |$)/g, '')
