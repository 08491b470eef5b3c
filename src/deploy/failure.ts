import { JijiError } from '../errors.ts'

/** Many failures as one: the worst first, and exit 7 when other servers went through. */
export function together(failures: readonly JijiError[], total: number, what = 'servers'): JijiError {
  const [first] = failures
  if (!first) throw new Error('there is no failure to report')
  if (failures.length === 1 && total <= 1) return first
  const isPartial = failures.length < total
  const output = failures.map(({ message, hint }) => (hint ? `${message}\n  ${hint}` : message)).join('\n')
  return failures.length === 1 && !isPartial
    ? first
    : new JijiError(isPartial ? 'servers.partial' : first.code, `${failures.length} of ${total} ${what} failed`, {
        output,
        cause: first,
      })
}

/** Waits for all. The first failure that is thrown then also tells of the others; an interrupt and a fault of ours alone. */
export async function allTogether(work: readonly Promise<unknown>[]): Promise<void> {
  const results = await Promise.allSettled(work)
  const failures = new Set<unknown>(results.flatMap(one => (one.status === 'rejected' ? [one.reason] : [])))
  const known = [...failures].filter(failure => failure instanceof JijiError)
  const alone = [...failures].find(one => !(one instanceof JijiError) || one.code === 'interrupted')
  const [first, ...others] = known
  if (alone ?? first) throw alone ?? (first && others.length > 0 ? withOthers(first, others) : first)
}

function withOthers(first: JijiError, others: readonly JijiError[]): JijiError {
  return alsoSaying(
    first,
    others.map(({ message }) => message),
  )
}

/** A failure, and what else there is to say. */
export function alsoSaying(failure: JijiError, texts: readonly string[]): JijiError {
  if (texts.length === 0) return failure
  const { code, message, server, hint, output } = failure
  return new JijiError(code, message, {
    ...(server ? { server } : {}),
    ...(hint ? { hint } : {}),
    output: [...(output ? [output.trimEnd()] : []), ...texts].join('\n'),
    cause: failure,
  })
}

/** A server's script has found that the lock is somebody else's by now, and has changed nothing. */
export function lockLost(server: string, what: string): JijiError {
  return new JijiError('lock.lost', `${server}: ${what}, because the lock was lost meanwhile`, {
    server,
    hint: 'see what runs there (jiji status), then deploy again',
  })
}

/** Waits for all, and throws the first failure only when none is running any more. */
export async function settled<T extends readonly unknown[]>(work: { [K in keyof T]: Promise<T[K]> }): Promise<T> {
  const results = await Promise.allSettled(work as readonly Promise<unknown>[])
  for (const result of results) if (result.status === 'rejected') throw result.reason
  return results.map(result => (result as PromiseFulfilledResult<unknown>).value) as unknown as T
}
