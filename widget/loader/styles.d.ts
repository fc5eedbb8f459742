/** A style sheet as the build leaves it: its text. */
declare module '*.css' {
  const text: string
  export default text
}
