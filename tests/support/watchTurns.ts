/**
 * How many milliseconds of the processor the longest turn of this thread's event loop took: what this thread did itself, however busy
 * the machine is with others.
 */
export function watchTurns() {
  let longest = 0
  let turns = 0
  let last = process.threadCpuUsage()
  const turn = () => {
    const now = process.threadCpuUsage()
    longest = Math.max(longest, (now.user + now.system - last.user - last.system) / 1_000)
    last = now
    turns++
  }
  const timer = setInterval(turn, 1)
  return {
    end() {
      clearInterval(timer)
      turn()
      return { longest, turns }
    },
  }
}
