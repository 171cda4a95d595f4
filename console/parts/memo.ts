// Components that are drawn anew where a property of theirs has become another. The one of preact/compat brings a second
// look at each element that any component makes.

import {
  Component,
  type ComponentChildren,
  type ComponentClass,
  createElement,
  type FunctionComponent,
} from 'preact'

export function memo<Props extends object>(drawn: FunctionComponent<Props>): ComponentClass<Props> {
  return class extends Component<Props> {
    override shouldComponentUpdate(next: Readonly<Props>): boolean {
      return !hasSameFields(this.props, next)
    }

    override render(): ComponentChildren {
      return createElement(drawn, this.props as Props)
    }
  }
}

function hasSameFields(a: object, b: object): boolean {
  for (const key in a) if (fieldOf(a, key) !== fieldOf(b, key)) return false
  for (const key in b) if (!(key in a)) return false
  return true
}

const fieldOf = (of: object, key: string): unknown => (of as Record<string, unknown>)[key]
