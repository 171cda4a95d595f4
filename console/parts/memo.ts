// Components that are drawn anew where a property of theirs has become another. The one of preact/compat brings a second
// look at each element that any component makes.

import {
  Component,
  type ComponentChildren,
  type ComponentClass,
  createElement,
  type FunctionComponent,
} from 'preact'

import { hasSameFields } from '../store/use-steady.ts'

export function memo<Props extends object>(drawn: FunctionComponent<Props>): ComponentClass<Props> {
  return class extends Component<Props> {
    override shouldComponentUpdate(next: Readonly<Props>): boolean {
      return !hasSameFields(this.props, next, Object.is)
    }

    override render(): ComponentChildren {
      return createElement(drawn, this.props as Props)
    }
  }
}
