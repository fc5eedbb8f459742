let context: AudioContext | undefined

/** Two soft notes, made here: nothing is downloaded for them. */
export async function ring(): Promise<void> {
  context ??= new AudioContext()
  await context.resume()
  const { currentTime, destination } = context
  for (const [at, frequency] of [
    [0, 660],
    [0.11, 880],
  ] as const) {
    const tone = new OscillatorNode(context, { frequency })
    const volume = new GainNode(context, { gain: 0 })
    const start = currentTime + at
    volume.gain.linearRampToValueAtTime(0.09, start + 0.015)
    volume.gain.exponentialRampToValueAtTime(0.0001, start + 0.3)
    tone.connect(volume).connect(destination)
    tone.start(start)
    tone.stop(start + 0.32)
  }
}
