/**
 * What somebody is in the team.
 */
export class Persona {
  /** Owns data sources and data pipelines. */
  public static readonly DATA_ENGINEER = new Persona('DataEngineer', 'Owns data sources and data pipelines');
  /** Explores data, writes models and merges them. */
  public static readonly DATA_SCIENTIST = new Persona('DataScientist', 'Explores data, writes models and merges them');
  /** Approves merges of others. */
  public static readonly APPROVER = new Persona('Approver', 'Approves merges of others');
  /** Sees everything and changes nothing. */
  public static readonly OPERATOR = new Persona('Operator', 'Sees everything and changes nothing');

  /** Another persona. It sees what all see; the rest is granted to its role. */
  public static of(name: string, description: string): Persona {
    return new Persona(name, description);
  }

  private constructor(
    /** Name of the persona. */
    public readonly personaName: string,
    /** What the persona does. */
    public readonly description: string,
  ) {}
}
