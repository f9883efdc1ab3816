"""Links that open one door once, and the mail that carries them.

Rolling back drops account_links and outgoing_mail: links that were handed out open nothing, and waiting mail is not
sent.
"""

import sqlalchemy as sa
from alembic import op

from db.base import Instant, Key, new_id, now

revision = "20261127_account_links"
down_revision = "20261127_audit_chain"
branch_labels = None
depends_on = None

ROLE_IS_KNOWN = "role IS NULL OR role IN ('user', 'admin', 'architect', 'observer', 'strategist')"
HAS_ITS_SUBJECT = (
    "(purpose = 'reset' AND account_id IS NOT NULL AND email IS NULL AND role IS NULL) OR "
    "(purpose = 'invite' AND account_id IS NULL AND email IS NOT NULL AND role IS NOT NULL)"
)


def upgrade() -> None:
    op.create_table(
        "account_links",
        sa.Column("id", Key(), server_default=new_id(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("account_id", Key(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=True),
        sa.Column("token_hash", sa.Text(), nullable=False),
        sa.Column("created_by", Key(), nullable=True),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("used_at", Instant(), nullable=True),
        sa.Column("voided_at", Instant(), nullable=True),
        sa.Column("created_at", Instant(), server_default=now(), nullable=False),
        sa.CheckConstraint("purpose IN ('reset', 'invite')", name=op.f("account_links_purpose_check")),
        sa.CheckConstraint(ROLE_IS_KNOWN, name=op.f("account_links_role_check")),
        sa.CheckConstraint(HAS_ITS_SUBJECT, name=op.f("account_links_subject_check")),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["auth_account.id"],
            name=op.f("fk_account_links_account_id_auth_account"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["created_by"],
            ["profiles.id"],
            name=op.f("fk_account_links_created_by_profiles"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account_links")),
    )
    op.create_index("account_links_token_hash_key", "account_links", ["token_hash"], unique=True)
    op.create_index("idx_account_links_account_id", "account_links", ["account_id"], unique=False)
    op.create_index("idx_account_links_email", "account_links", [sa.text("lower(email)")], unique=False)
    op.create_index("idx_account_links_created_by", "account_links", ["created_by"], unique=False)
    op.create_table(
        "outgoing_mail",
        sa.Column("id", Key(), server_default=new_id(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("account_id", Key(), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", Instant(), server_default=now(), nullable=False),
        sa.CheckConstraint("kind IN ('reset', 'password_changed')", name=op.f("outgoing_mail_kind_check")),
        sa.CheckConstraint("tries >= 0", name=op.f("outgoing_mail_tries_check")),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["auth_account.id"],
            name=op.f("fk_outgoing_mail_account_id_auth_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outgoing_mail")),
    )
    op.create_index("idx_outgoing_mail_due_at", "outgoing_mail", ["due_at"], unique=False)
    op.create_index("idx_outgoing_mail_account_id", "outgoing_mail", ["account_id"], unique=False)


def downgrade() -> None:
    op.drop_table("outgoing_mail")
    op.drop_table("account_links")
