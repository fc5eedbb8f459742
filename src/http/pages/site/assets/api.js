/**
 * @typedef {{ path: string, message: string }} Fault
 * @typedef {{ status: number, code: string, title: string, detail?: string, errors?: Fault[], requestId?: string, retryAfter?: number }} Problem
 */

const unreachable = {
  status: 0,
  code: 'unreachable',
  title: 'The server cannot be reached',
  detail: 'The server cannot be reached. Check the connection and try again.',
}

/**
 * One request to Parley's own API: what it answers, or the problem that says why it does not.
 * @returns {Promise<{ data: object, problem?: undefined } | { data?: undefined, problem: Problem }>}
 */
export async function call(method, path, body, headers = {}) {
  let response
  let text
  try {
    response = await fetch(path, {
      method,
      headers: {
        accept: 'application/json',
        ...headers,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    text = await response.text()
  } catch {
    return { problem: unreachable }
  }
  const data = parsed(text)
  if (response.ok) return { data: data ?? {} }
  const { status } = response
  const retryAfter = Number(response.headers.get('retry-after')) || undefined
  return {
    problem: { code: 'internal', title: `The server answered ${status}`, ...data, status, retryAfter },
  }
}

function parsed(text) {
  try {
    return text ? JSON.parse(text) : undefined
  } catch {
    return undefined
  }
}

let asked

/** What this installation offers; asked once per page. */
export function installation() {
  asked ??= call('get', '/api/v1/status')
  return asked
}
