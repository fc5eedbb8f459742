import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'

/** The server's own pattern, whose module would bring zod along; a test keeps them equal. */
export const emailPattern =
  /^(?:[A-Za-z0-9_'+-]+\.)*[A-Za-z0-9_'+-]*[A-Za-z0-9_+-]@(?:[A-Za-z0-9][A-Za-z0-9-]*\.)+[A-Za-z]{2,}$/

export const isEmail = (text: string): boolean => emailPattern.test(text.trim()) && text.trim().length <= 254

interface LabelledProps {
  readonly id: string
  readonly label: ComponentChildren
  readonly wrong: string
  readonly children: ComponentChildren
}

export const Labelled = ({ id, label, wrong, children }: LabelledProps) => (
  <div>
    <label class="label" for={id}>
      {label}
    </label>
    {children}
    {wrong && (
      <p class="wrong" id={`${id}-wrong`} role="alert">
        {wrong}
      </p>
    )}
  </div>
)

export const faultOf = (id: string, wrong: string) =>
  wrong ? ({ 'aria-invalid': true, 'aria-describedby': `${id}-wrong` } as const) : {}

/** What stands in the place of a form that was sent; the focus, which was there, goes on from here. */
export function Done({ children }: { readonly children: ComponentChildren }) {
  const element = useRef<HTMLParagraphElement>(null)
  useLayoutEffect(() => element.current?.focus({ preventScroll: true }), [])
  return (
    <p role="status" tabIndex={-1} ref={element}>
      {children}
    </p>
  )
}
