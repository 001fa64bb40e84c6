import { IsInt, IsOptional, IsString, Max, Min } from 'class-validator';
import { type Condition, Conditions, CustomResource, Default, type Defaulted } from 'gyre';

export class WebsiteSpec {
  /** The container image that serves the site. */
  @IsString() image!: string;
  @IsInt() @Min(0) @Max(50) @Default(1) replicas!: Defaulted<number>;
}

export class WebsiteStatus {
  @IsInt() @IsOptional() readyReplicas?: number;
  @Conditions() conditions?: Condition[];
}

/** A website: what a user writes, and what the operator makes of it. */
export class Website extends CustomResource({
  group: 'apps.example.com',
  version: 'v1',
  kind: 'Website',
  shortNames: ['web'],
  spec: WebsiteSpec,
  status: WebsiteStatus,
  columns: { Image: '.spec.image', Replicas: '.spec.replicas', Ready: '.status.readyReplicas' },
}) {}
