import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Response as ExpressResponse, Request } from 'express'

/** Passes on a finished web Response: status, cookies, redirect, body. One that says how long it is is passed on as it comes. */
export async function relay(from: Response, request: Request, to: ExpressResponse): Promise<void> {
  to.status(from.status)
  for (const [name, value] of from.headers) if (name !== 'set-cookie') to.set(name, value)
  for (const cookie of from.headers.getSetCookie()) to.append('set-cookie', cookie)
  if (!from.headers.has('content-length') || !from.body) {
    to.send(Buffer.from(await from.arrayBuffer()))
  } else if (request.method === 'HEAD') {
    await from.body.cancel()
    to.end()
  } else {
    await stream(Readable.fromWeb(from.body), to)
  }
}

async function stream(body: Readable, to: ExpressResponse): Promise<void> {
  try {
    await pipeline(body, to)
  } catch (error) {
    // Whoever asked has left, as people do from a video.
    if (error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE') return
    throw error
  }
}
