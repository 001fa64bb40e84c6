import { IsInt, IsOptional, IsString, Max, Min } from 'class-validator';
import { type Condition, Conditions, CustomResource, Default, type Defaulted } from 'gyre';

/** What a user asks for. Its validators are the schema of the custom resource. */
export class TemplateKindSpec {
  /** The container image to run. */
  @IsString() image!: string;
  @IsInt() @Min(0) @Max(50) @Default(1) replicas!: Defaulted<number>;
}

/** What the operator tells about it. */
export class TemplateKindStatus {
  @IsInt() @IsOptional() readyReplicas?: number;
  @Conditions() conditions?: Condition[];
}

export class TemplateKind extends CustomResource({
  group: 'template.example.com',
  version: 'v1alpha1',
  kind: 'TemplateKind',
  spec: TemplateKindSpec,
  status: TemplateKindStatus,
  columns: { Image: '.spec.image', Replicas: '.spec.replicas', Ready: '.status.readyReplicas' },
}) {}
