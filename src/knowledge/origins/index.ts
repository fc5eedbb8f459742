export { findingOf } from './findingOf.ts'
export type { Ending, Found } from './found.ts'
