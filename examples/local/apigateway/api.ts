import { Method, Validator } from './method';
import { JsonObject } from '../cloud/types';

/** A resource of an API's tree. */
interface Node {
  readonly id: string;
  readonly part: string;
  readonly children: Node[];
  readonly methods: Map<string, Method>;
}

export interface Route {
  readonly method: Method;
  readonly resourcePath: string;
  readonly parameters: Record<string, string>;
}

/** A REST API: its tree of resources with their methods, its models, validators and stages. */
export class Api {
  readonly models = new Map<string, JsonObject>([['Empty', {}]]);
  readonly validators = new Map<string, Validator>();
  /** Variables of each stage. */
  readonly stages = new Map<string, Record<string, string>>();
  readonly deployments = new Set<string>();
  private readonly root: Node;
  private readonly nodes = new Map<string, Node>();

  constructor(readonly id: string, readonly rootId: string) {
    this.root = { id: rootId, part: '', children: [], methods: new Map() };
    this.nodes.set(rootId, this.root);
  }

  addResource(id: string, parentId: string, part: string): void {
    const node: Node = { id, part, children: [], methods: new Map() };
    this.node(parentId).children.push(node);
    this.nodes.set(id, node);
  }

  /** Makes the resources of a path that are not there yet; answers the id of its end. */
  addPath(path: string): string {
    return path.split('/').filter((part) => part !== '').reduce((parentId, part) => {
      const found = this.node(parentId).children.find((child) => child.part === part);
      const id = `${parentId}/${part}`;
      if (found === undefined) this.addResource(id, parentId, part);
      return found?.id ?? id;
    }, this.rootId);
  }

  addMethod(resourceId: string, method: Method): void {
    this.node(resourceId).methods.set(method.httpMethod, method);
  }

  /** The method for a request: a literal part wins over `{name}`, that over `{name+}`. */
  route(httpMethod: string, path: string): Route | undefined {
    const parts = path.split('/').filter((part) => part !== '').map(decodeURIComponent);
    return this.walk(this.root, parts, httpMethod, '', {});
  }

  private walk(node: Node, parts: string[], httpMethod: string, above: string, parameters: Record<string, string>): Route | undefined {
    if (parts.length === 0) {
      const method = node.methods.get(httpMethod) ?? node.methods.get('ANY');
      return method === undefined ? undefined : { method, resourcePath: above === '' ? '/' : above, parameters };
    }
    const [part, ...rest] = parts;
    const rank = (child: Node): number => (child.part === part ? 0 : child.part.endsWith('+}') ? 2 : child.part.startsWith('{') ? 1 : 3);
    for (const child of [...node.children].sort((a, b) => rank(a) - rank(b))) {
      const name = child.part.replace(/^\{|\+?\}$/g, '');
      const below = `${above}/${child.part}`;
      const found = rank(child) === 0 ? this.walk(child, rest, httpMethod, below, parameters)
        : rank(child) === 1 ? this.walk(child, rest, httpMethod, below, { ...parameters, [name]: part })
          : rank(child) === 2 ? this.walk(child, [], httpMethod, below, { ...parameters, [name]: parts.join('/') }) : undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  }

  private node(id: string): Node {
    const found = this.nodes.get(id);
    if (found === undefined) throw new Error(`the API ${this.id} has no resource ${id}`);
    return found;
  }
}
