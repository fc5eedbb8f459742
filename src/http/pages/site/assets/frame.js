import { frame } from './session.js'

await frame()
