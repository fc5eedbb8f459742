/**
 * The version of the socket protocol. A client names the one it speaks at the handshake. A change that an older client would
 * misread raises it; new optional fields, events and commands do not.
 *
 * Window: a server speaks its own version and every one that was current within the twelve months before its release;
 * `oldest` is raised only then. Outside the window the handshake is refused with `unsupported_version`.
 */
export const protocolVersion = { current: 1, oldest: 1 } as const
