"""A second factor for accounts, its recovery codes, which roles need it, and when a session last gave the password.

Rolling back drops second_factors, recovery_codes, role_requirements: everybody signs in with the password alone.
"""

import sqlalchemy as sa
from alembic import op

from db.base import Instant, new_id, now

revision = "20261127_second_factor"
down_revision = "20261122_sign_in_limits"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "second_factors",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("confirmed_at", Instant(), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=True),
        sa.Column("created_at", Instant(), server_default=now(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["auth_account.id"],
            name=op.f("fk_second_factors_account_id_auth_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_second_factors")),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("id", sa.Uuid(), server_default=new_id(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("used_at", Instant(), nullable=True),
        sa.Column("created_at", Instant(), server_default=now(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["auth_account.id"],
            name=op.f("fk_recovery_codes_account_id_auth_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_codes")),
    )
    op.create_index("idx_recovery_codes_account", "recovery_codes", ["account_id", "code_hash"], unique=False)
    op.create_table(
        "role_requirements",
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("factor_required", sa.Boolean(), nullable=False),
        sa.Column("set_by", sa.Uuid(), nullable=True),
        sa.Column("set_at", Instant(), server_default=now(), nullable=False),
        sa.CheckConstraint(
            "role IN ('user', 'admin', 'architect', 'observer', 'strategist')",
            name=op.f("role_requirements_role_check"),
        ),
        sa.ForeignKeyConstraint(
            ["set_by"],
            ["profiles.id"],
            name=op.f("fk_role_requirements_set_by_profiles"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("role", name=op.f("pk_role_requirements")),
    )
    op.create_index("idx_role_requirements_set_by", "role_requirements", ["set_by"], unique=False)
    op.add_column("user_sessions", sa.Column("confirmed_at", Instant(), nullable=True))


def downgrade() -> None:
    op.drop_column("user_sessions", "confirmed_at")
    op.drop_table("role_requirements")
    op.drop_table("recovery_codes")
    op.drop_table("second_factors")
