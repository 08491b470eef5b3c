import * as z from 'zod'
import { keys, matching } from './fields.ts'

/** A file or a directory of ours in the container: as `LOCAL:/TARGET[:OPTIONS]`, or as a map that says more. */
export type Mount = {
  local: string
  remote: string
  mode?: string | undefined
  owner?: string | undefined
  options?: string | undefined
}

const shortForm = 'LOCAL:/TARGET, with :OPTIONS if need be'
const form = `${shortForm}, or a map with local, remote, mode, owner and options`
/** Below the folder that it is relative to. */
const local = /^(?!\/)(?!(.*\/)?\.\.(\/|$))[^:\n]+$/
const remote = /^\/[^:\n]*$/
const options = /^[a-zA-Z,]+$/

export function mount(what: { local: string; mode: string }) {
  const short = matching(/^[^:]+:\/[^:]*(:[a-zA-Z,]+)?$/, form)
    .transform((written): Mount => {
      const [from = '', to = '', ...rest] = written.split(':')
      return { local: from, remote: to, ...(rest[0] ? { options: rest[0] } : {}) }
    })
    .refine(one => local.test(one.local) && remote.test(one.remote), { error: `expected ${form}` })
    .meta({ form: shortForm })
  const long = keys({
    local: matching(local, 'a relative path that does not lead out').describe(what.local),
    remote: matching(remote, 'an absolute path').describe('Where it is in the container'),
    mode: matching(/^0?[0-7]{3}$/, 'a mode such as 640')
      .optional()
      .describe(what.mode),
    owner: matching(/^\d+(:\d+)?$/, 'UID or UID:GID, in numbers, as the container has them')
      .optional()
      .describe('Owner in the container: UID or UID:GID'),
    options: matching(options, 'options of a volume, such as ro').optional().describe('Options, such as ro'),
  })
  return z.union([short, long], { error: `expected ${form}` })
}
