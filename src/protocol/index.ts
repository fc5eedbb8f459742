export { type ErrorCode, type ErrorKind, errorCodes, errorTable, type Fault } from './errors.ts'
export { type Problem, problemSchema } from './problem.ts'
