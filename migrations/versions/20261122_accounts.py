"""Accounts to sign in with and one-time codes.

Rolling back drops auth_account, one_time_codes with everything in them.
"""

import sqlalchemy as sa
from alembic import op

from db.base import Instant, new_id, now

revision = "20261122_accounts"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "auth_account",
        sa.Column("id", sa.Uuid(), server_default=new_id(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("credential_version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("created_at", Instant(), server_default=now(), nullable=False),
        sa.Column("updated_at", Instant(), server_default=now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_auth_account")),
    )
    op.create_table(
        "one_time_codes",
        sa.Column("id", sa.Uuid(), server_default=new_id(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("used_at", Instant(), nullable=True),
        sa.Column("created_at", Instant(), server_default=now(), nullable=False),
        sa.CheckConstraint("purpose IN ('first_admin')", name=op.f("one_time_codes_purpose_check")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_time_codes")),
    )
    op.create_index("idx_one_time_codes_hash", "one_time_codes", ["code_hash"], unique=False)
    op.create_index("auth_account_email_key", "auth_account", [sa.text("lower(email)")], unique=True)


def downgrade() -> None:
    op.drop_table("one_time_codes")
    op.drop_table("auth_account")
