import { JijiError } from '../errors.ts'
import type { ServiceStatus } from './status.ts'

/** A release that failed when its containers were being switched to. */
export class FailedRelease extends JijiError {
  /** What serves now where it was to go. */
  readonly services: readonly ServiceStatus[]
  /** Servers that have got all of it, and keep it. */
  readonly kept: ReadonlySet<string>

  constructor(failure: JijiError, services: readonly ServiceStatus[], kept: ReadonlySet<string>) {
    const { code, message, server, hint, output, cause = failure } = failure
    super(code, message, {
      ...(server === undefined ? {} : { server }),
      ...(hint === undefined ? {} : { hint }),
      ...(output === undefined ? {} : { output }),
      cause,
    })
    this.services = services
    this.kept = kept
  }
}

/** The failed release that an error is about, whatever has been found out about it since. */
export function failedReleaseIn(error: unknown): FailedRelease | undefined {
  if (error instanceof FailedRelease) return error
  return error instanceof JijiError && error.cause !== undefined ? failedReleaseIn(error.cause) : undefined
}
