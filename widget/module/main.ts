import { createParley as create } from '../loader/parley.ts'
import type { Parley, ParleyOptions } from './parley.d.ts'

export const createParley = (options: ParleyOptions): Parley =>
  create({ host: new URL(import.meta.url).origin, ...options })
