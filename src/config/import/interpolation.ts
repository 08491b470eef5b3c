/** A text in which variables stand, as Compose writes them: `${NAME}`, `$NAME`, `${NAME:-usual}`, and `$$` for a dollar. */
export type Interpolated = {
  /** With the usual values of its variables; undefined where one has none. */
  text: string | undefined
  /** The variables, in their order. */
  names: string[]
  /** Whether it is one variable that has no usual value, and nothing else. */
  isAlone: boolean
}

const variable = /\$(?:\$|([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:(:?[-?+])((?:[^{}]|\{[^{}]*\})*))?\})/g

export function interpolate(source: string): Interpolated {
  const names: string[] = []
  let isWhole = true
  const text = source.replace(variable, (whole, bare?: string, braced?: string, operator?: string, word?: string) => {
    const name = bare ?? braced
    if (name === undefined) return '$'
    names.push(name)
    if (operator?.endsWith('-')) {
      const usual = interpolate(word ?? '')
      if (usual.text !== undefined) return usual.text
    }
    if (operator?.endsWith('+')) return ''
    isWhole = false
    return whole
  })
  const isAlone = names.length === 1 && !isWhole && new RegExp(`^(?:${variable.source})$`).test(source)
  return { text: isWhole ? text : undefined, names, isAlone }
}
