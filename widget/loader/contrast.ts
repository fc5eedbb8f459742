/**
 * Black or white, whichever can be read better on `#rrggbb`: one of the two always has 4.5 to 1 (WCAG 2.2, 1.4.3). A power of 2.2 stands for
 * the exact curve, from which it differs by less than that leaves room for.
 */
export const writtenOn = (colour: string): '#000' | '#fff' => {
  const part = (at: number) => (Number(`0x${colour.slice(at, at + 2)}`) / 255) ** 2.2
  return 0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5) > 0.179 ? '#000' : '#fff'
}
